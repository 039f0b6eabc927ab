"""Files: the one place that opens them to read, within limits, and the one that writes them whole.

- `kinds`: what files there are, how much of each is read, and why so much
- `reading`: bytes out of a file or a pipe
- `unpacking`: gzip, no further than the limit
- `decoding`: text in UTF-8, whatever editors make of it
- `documents`: JSON and TOML, no deeper than they go and no longer than numbers are
- `shapes`: documents as values, up to their first mistake
- `writing`: a file in the place of an older one, at once
- `ownership`: files that only their owner may change
"""

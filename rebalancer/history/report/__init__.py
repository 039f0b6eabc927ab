"""Reports of a week or a month: what was hot, what was moved, whether it helped, who is left alone, what is free."""

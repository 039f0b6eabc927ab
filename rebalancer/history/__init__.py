"""What happened on earlier nights, in SQL, filled from journals, plans and the list of nights: these stay the truth.

Modules are imported one by one: whoever only notes how a plan ended loads no database.
"""

"""What commands show, as tables for people and documents for programs; one file a subject."""

"""What a plan says of itself: figures, memory on the way, disks, reasons, and what it leaves out."""

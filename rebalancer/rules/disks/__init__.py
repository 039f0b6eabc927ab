"""Rules on disks, CDs and the SRs that hold them."""

"""Rules on PCI, USB and GPU devices."""

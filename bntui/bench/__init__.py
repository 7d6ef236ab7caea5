"""Measurements that anyone can repeat: `bntui bench`."""

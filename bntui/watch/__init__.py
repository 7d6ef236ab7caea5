"""Inside the user's process: what BatchNorm layers of any model do, without touching them."""

"""EM routing: parents are Gaussians fitted to the votes of their children."""

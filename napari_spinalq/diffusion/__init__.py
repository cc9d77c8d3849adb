"""Diffusion series: gradients, motion, tensor."""

"""Smoothing of tracks, compiled by jax."""

import jax
import jax.numpy as jnp


@jax.jit
def ema(points: jax.Array, alpha: float = 0.35) -> jax.Array:
    """Exponential moving average along the first axis."""

    def advance(state, value):
        state = alpha * value + (1 - alpha) * state
        return state, state

    return jax.lax.scan(advance, points[0], points)[1]


def speed(points: jax.Array, frames_per_second: float) -> jax.Array:
    """Metres per second between consecutive frames."""
    return jnp.linalg.norm(jnp.diff(points, axis=0), axis=-1) * frames_per_second

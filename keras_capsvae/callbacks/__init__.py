"""Callbacks: schedules of weights and margins, clusters, printed texts."""

from keras_capsvae.callbacks.mixture_start import MixtureStart
from keras_capsvae.callbacks.printed_text import PrintedText
from keras_capsvae.callbacks.spread_margin import SpreadMargin
from keras_capsvae.callbacks.temperature import TemperatureAnnealing
from keras_capsvae.callbacks.warm_up import CapacityWarmUp
from keras_capsvae.callbacks.warm_up import KLWarmUp

__all__ = [
    "CapacityWarmUp",
    "KLWarmUp",
    "MixtureStart",
    "PrintedText",
    "SpreadMargin",
    "TemperatureAnnealing",
]

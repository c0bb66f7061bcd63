from ._array import Array as Array
from ._gc_pause import gc_paused as gc_paused
from ._interrupts import DeferredInterrupt as DeferredInterrupt
from ._interrupts import endings_interrupt as endings_interrupt

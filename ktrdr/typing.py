"""Array types, named once."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
TargetArray = NDArray[np.int8]
TimeArray = NDArray[np.datetime64]

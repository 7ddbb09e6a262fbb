"""Settings for the whole test run: quiet frameworks, few threads, repeatable property tests."""

import os

# These must be set before a framework is imported; a value from outside wins.
for name, value in {
    "CUDA_VISIBLE_DEVICES": "",
    "KERAS_BACKEND": "tensorflow",
    "MPLBACKEND": "Agg",
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
}.items():
    os.environ.setdefault(name, value)

from hypothesis import HealthCheck, settings

settings.register_profile(
    "lrlib",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
# For a longer look: HYPOTHESIS_PROFILE=long
settings.register_profile("long", settings.get_profile("lrlib"), derandomize=False, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "lrlib"))

"""What the chapters share and a user of the library does not need: data, networks, training loops, stored results."""

import os

# TensorFlow reads this when it is first imported; its start-up lines would otherwise stand in every notebook.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

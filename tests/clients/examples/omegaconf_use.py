from omegaconf import OmegaConf

import lrlib

config = OmegaConf.load("config.yaml")
schedule = lrlib.from_dict(config.schedule)

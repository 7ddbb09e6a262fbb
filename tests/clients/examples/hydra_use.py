import hydra

import lrlib


@hydra.main(version_base=None, config_path=".", config_name="config")
def main(config):
    print(repr(lrlib.from_dict(config.schedule)))


if __name__ == "__main__":
    main()

"""``python -m disconnect_nlp`` is ``disconnect-nlp``."""

from disconnect_nlp.cli import main

if __name__ == "__main__":
    main()

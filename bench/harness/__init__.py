"""What every benchmark uses: figures.py compares and reports, machine.py runs and measures, kept.py
keeps what takes long to make."""

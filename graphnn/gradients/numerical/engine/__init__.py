"""The probe engine: the numbers of the loop, in a fraction of its time; see README.md."""

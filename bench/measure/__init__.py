"""The measurements, one module each: `measure(place)` gives samples."""

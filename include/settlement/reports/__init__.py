"""What a settled month hands out: usage.csv, statement.xlsx, statement.pdf, DSR and manifest.json per partner, index.html."""

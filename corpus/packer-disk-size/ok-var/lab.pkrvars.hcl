# of the lab
size = "1.5G"
unit = "X"

version = "26.0"

package fma

// Float32 is x*y + z, rounded once: on this architecture the compiler makes one instruction of it, which a test proves.
func Float32(x, y, z float32) float32 { return x*y + z }

//go:build !unix

package mapped

import "os"

// load returns the size bytes of f, and whether they are a mapping.
func load(f *os.File, size int, _ bool) (data []byte, mapped bool, err error) {
	data, err = read(f, size)
	return data, false, err
}

func unload([]byte) error { return nil }

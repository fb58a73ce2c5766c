package jobdir

import (
	"errors"
	"testing"
)

func TestUnsealAnyVersion(t *testing.T) {
	b, err := seal(struct {
		Version int `json:"version"`
		N       int `json:"n"`
	}{7, 1})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := Unseal("x", b); v != 7 || err != nil {
		t.Errorf("version %d, %v", v, err)
	}
	b[len(b)/2] ^= 1
	var damaged *DamagedError
	if _, err := Unseal("x", b); !errors.As(err, &damaged) {
		t.Errorf("with another byte: %v", err)
	}
	if _, err := Unseal("x", []byte("{}")); !errors.Is(err, ErrNotSealed) {
		t.Errorf("another file: %v", err)
	}
	if v, err := Version([]byte("shardmill-job 12\n")); v != "12" || err != nil {
		t.Errorf("version %q, %v", v, err)
	}
	if _, err := Version([]byte("shardmill-job 12")); err == nil {
		t.Error("a line without an end is a version")
	}
}

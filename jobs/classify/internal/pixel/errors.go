package pixel

import (
	"errors"
	"fmt"
	"io"
)

// RejectError says why an image gives no crop. It is a property of the image's
// bytes and the options: another try gives the same reason.
type RejectError struct {
	Reason string // short, and free of paths, addresses and anything else that changes between runs
	Err    error  // the decoder's own error, or nil
}

// Error returns the reason.
func (e *RejectError) Error() string { return e.Reason }

// Unwrap returns the decoder's own error, or nil.
func (e *RejectError) Unwrap() error { return e.Err }

func rejectf(format string, args ...any) error {
	return &RejectError{Reason: fmt.Sprintf(format, args...)}
}

// reject wraps the error of a decoder, which reads from memory: io.EOF can only
// mean that the image ends too early.
func reject(err error) error {
	if r := (*RejectError)(nil); errors.As(err, &r) {
		return err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &RejectError{Reason: "unexpected EOF", Err: err}
	}
	return &RejectError{Reason: err.Error(), Err: err}
}

// guard calls a decoder of another module and makes a panic in it a reject: one
// bad image must not end the process.
func guard[T any](f format, decode func() (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &RejectError{Reason: "the " + string(f) + " decoder panicked", Err: fmt.Errorf("panic: %v", p)}
		}
	}()
	v, err = decode()
	if err != nil {
		err = reject(err)
	}
	return v, err
}

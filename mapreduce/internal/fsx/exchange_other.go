//go:build !linux

package fsx

import "errors"

func exchange(_, _ string) error { return errors.ErrUnsupported }

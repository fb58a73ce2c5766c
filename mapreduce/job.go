package mapreduce

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Job is a named computation with typed parameters. Driver and workers each build its stages
// from the same parameters; nothing is registered.
type Job struct {
	name    string
	version int
	params  func(b []byte) (json.RawMessage, error)
	build   func(b []byte) ([]Stage, error)
}

// New makes a Job. Version must grow when equal parameters and inputs would give other bytes. The
// parameters are a struct that JSON can write; unknown fields are refused, missing ones have the value in defaults.
func New[P any](name string, version int, defaults P, build func(P) ([]Stage, error)) Job {
	decode := func(b []byte) (P, error) {
		p := defaults
		if len(b) == 0 {
			return p, nil
		}
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		if err := d.Decode(&p); err != nil {
			return p, fmt.Errorf("%s: parameters: %w", name, err)
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return p, fmt.Errorf("%s: parameters: more than one JSON value", name)
		}
		return p, nil
	}
	return Job{
		name: name, version: version,
		params: func(b []byte) (json.RawMessage, error) {
			p, err := decode(b)
			if err != nil {
				return nil, err
			}
			return json.Marshal(p)
		},
		build: func(b []byte) ([]Stage, error) {
			p, err := decode(b)
			if err != nil {
				return nil, err
			}
			stages, err := build(p)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			return link(stages)
		},
	}
}

// Name is the job's name.
func (j Job) Name() string { return j.name }

// Version is the job's version.
func (j Job) Version() int { return j.version }

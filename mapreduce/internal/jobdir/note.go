package jobdir

import (
	"encoding/json"
	"fmt"

	"github.com/shardmill/shardmill/mapreduce/internal/fsx"
)

// WriteSummary replaces summary.json in one step. It is plain JSON; a value's own "version" comes first.
func (d *Dir) WriteSummary(v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err == nil {
		tmp := d.tmpName("summary.json")
		if err = draft(d.fs, tmp, bytesTo(append(b, '\n'))); err == nil {
			err = replace(d.fs, tmp, d.Path("summary.json"))
		}
	}
	if err != nil {
		return fmt.Errorf("write summary.json: %w", err)
	}
	return nil
}

// ReadSummary reads summary.json as the last driver wrote it, for people: fs.ErrNotExist if there is none.
func (d *Dir) ReadSummary(v any) error {
	file := d.Path("summary.json")
	b, err := fsx.ReadFile(d.fs, file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return &DamagedError{File: file, Reason: err.Error()}
	}
	return nil
}

// AppendEvent adds a line to events.jsonl. Nothing is fsynced: no decision rests on it.
func (d *Dir) AppendEvent(v any) error {
	if err := d.appendEvent(v); err != nil {
		return fmt.Errorf("append to events.jsonl: %w", err)
	}
	return nil
}

func (d *Dir) appendEvent(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.openEvents(); err != nil {
		return err
	}
	if _, err := d.events.Write(append(line, '\n')); err != nil {
		_ = d.closeEvents() // the line may be torn: the next event opens anew and ends it
		return err
	}
	return nil
}

// openEvents opens events.jsonl and ends a line that a former writer tore.
func (d *Dir) openEvents() error {
	if d.events != nil {
		return nil
	}
	file := d.Path("events.jsonl")
	torn := d.torn(file)
	f, err := d.fs.Append(file)
	if err != nil {
		return err
	}
	d.events = f
	if !torn {
		return nil
	}
	if _, err := f.Write([]byte("\n")); err != nil {
		_ = d.closeEvents() // the reason to stop is err
		return err
	}
	return nil
}

// torn tells whether a file ends in the middle of a line.
func (d *Dir) torn(file string) bool {
	b, err := d.tail(file)
	return err == nil && len(b) > 0 && b[len(b)-1] != '\n'
}

func (d *Dir) closeEvents() error {
	if d.events == nil {
		return nil
	}
	f := d.events
	d.events = nil
	return f.Close()
}

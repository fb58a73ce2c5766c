package mapreduce

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/shardmill/shardmill/mapreduce/internal/plan"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// Scan gives Source.Scan the bytes of its range, and takes their digest.
type Scan struct {
	rg     Range
	opener func() (*rangeFile, error)
	file   *rangeFile // the last one opened
	open   bool
	seen   *task.Scanned // by the last one closed
}

// Open opens the range for reading, from its first byte to its last. A source that reads the file by
// itself, say because the format begins at its end, need not call it.
func (s *Scan) Open() (io.ReadCloser, error) {
	if s.open {
		return nil, fmt.Errorf("%s: the range is open already", s.rg.Name)
	}
	f, err := s.opener()
	if err != nil {
		return nil, err
	}
	s.file, s.open = f, true
	return s, nil
}

// Read implements io.Reader.
func (s *Scan) Read(p []byte) (int, error) { return s.file.Read(p) }

// Close ends what Open began. It reads what is left of the range, for the digest.
func (s *Scan) Close() error {
	if !s.open {
		return nil
	}
	s.open = false
	sum, err := s.file.digest()
	if err != nil {
		err = fmt.Errorf("reading to the end: %w", err)
	}
	seen := task.Scanned{Sum: sum, ModTime: s.file.info.ModTime().UnixNano()}
	if err == nil && (!s.file.still() || s.seen != nil && s.seen.Sum != sum) {
		err = changedInput(s.rg.Name)
	}
	s.seen = &seen
	return errors.Join(err, s.file.close())
}

// abandon closes what Open opened and Close did not.
func (s *Scan) abandon() error {
	if !s.open {
		return nil
	}
	s.open = false
	return s.file.close()
}

// scanRange lets the source scan one range. A range that the source did not open is read for its digest, after
// that: the source has then seen the file as it is, or as it was before and is no more.
func (t *taskRun) scanRange(ctx context.Context, rg Range) (task.Scanned, error) {
	before, err := os.Stat(rg.Path)
	if err != nil {
		return task.Scanned{}, BadInput(err)
	}
	in := &Scan{rg: rg, opener: func() (*rangeFile, error) { return openRangeFile(ctx, rg, t.cell.Beat) }}
	v, err := t.stage.src.scan(ctx, t.env, rg, in)
	if err == nil && in.seen == nil && !in.open {
		_, err = in.Open()
	}
	if err == nil {
		err = in.Close()
	}
	if err != nil {
		return task.Scanned{}, errors.Join(err, in.abandon())
	}
	if in.seen.ModTime != before.ModTime().UnixNano() {
		return task.Scanned{}, changedInput(rg.Name)
	}
	if in.seen.Value, err = json.Marshal(v); err != nil {
		return task.Scanned{}, fmt.Errorf("%s: what was found in it: %w", rg.Name, err)
	}
	return *in.seen, nil
}

func (t *taskRun) scan(ctx context.Context, ranges []Range) error {
	for _, rg := range ranges {
		if err := checkCanceled(ctx); err != nil {
			return err
		}
		s, err := t.scanRange(ctx, rg)
		if err != nil {
			return whileScanned(err)
		}
		t.scanned = append(t.scanned, s)
	}
	return nil
}

// Scanned is what Source.Scan found in one range.
type Scanned struct {
	Range Range
	value json.RawMessage
}

// Decode reads what Scan returned into v.
func (s Scanned) Decode(v any) error {
	if err := json.Unmarshal(s.value, v); err != nil {
		return fmt.Errorf("scan of %s: %w", s.Range.Name, err)
	}
	return nil
}

// Cutter takes what Source.Cut makes of the scans.
type Cutter struct {
	ranges []Range
	meta   json.RawMessage
}

// Range adds a range to be read, of the file that s was scanned in. Of rg count Offset, Line, Row and Rows, which is
// -1 where it is not known how many rows begin in the range; the rest is that of s. If the file
// was scanned as a whole, rg may stand for a part of it: Lo and Hi, which the source counts as it likes, in row groups
// say, and Bytes, its share of the file's size.
func (c *Cutter) Range(s Scanned, rg Range) error {
	got, of := rg, s.Range
	got.Name, got.Path, got.Size = of.Name, of.Path, of.Size
	switch {
	case rg.Lo == of.Lo && rg.Hi == of.Hi || rg.Lo == 0 && rg.Hi == 0:
		got.Lo, got.Hi, got.Bytes, got.Sum, got.Whole, got.ModTime = of.Lo, of.Hi, of.Bytes, of.Sum, "", 0
	case of.Lo == 0 && of.Hi == 0:
		got.Sum, got.Whole, got.ModTime = "", of.Sum, of.ModTime
	default:
		return fmt.Errorf("%s: range %d to %d: it was scanned from %d to %d", of.Name, rg.Lo, rg.Hi, of.Lo, of.Hi)
	}
	c.ranges = append(c.ranges, got)
	return nil
}

// Meta leaves a value for the stages after the scan, which read it by Env.Meta. Without one they read what
// Lister.Meta left.
func (c *Cutter) Meta(v any) (err error) {
	c.meta, err = metaOf(v)
	return err
}

func metaOf(v any) (json.RawMessage, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("meta: %w", err)
	}
	return b, nil
}

// planRanges makes the tasks of a stage that reads what was scanned.
func (d *driver) planRanges(s *Stage) (*plan.Stage, error) {
	scan := d.stages[0].folder
	scans, err := d.readPlan(scan)
	if err != nil {
		return nil, err
	}
	if scans == nil {
		return nil, fmt.Errorf("stage %s has no plan", scan)
	}
	c := &Cutter{meta: compact(scans.Meta)}
	files, failed := d.scannedFiles(scans)
	err = s.src.cut(&Env{stage: s.folder, meta: scans.Meta}, files, c)
	if *failed == nil && ClassOf(err) == Input {
		return nil, err // which says to the user what is wrong with the input
	}
	if err = errors.Join(*failed, err); err != nil {
		return nil, fmt.Errorf("%s: what was scanned: %w", s.folder, err)
	}
	p := &plan.Stage{Version: plan.Version, Stage: s.folder, Meta: c.meta}
	parts := plan.GroupScanned(c.ranges, targetBytes(s.src), d.cfg.Limit)
	if s.kind == task.Split {
		p.Splits = parts
	} else {
		p.Parts = parts
	}
	d.addStreams(p, s, rowsOf(parts))
	return p, nil
}

// rowsOf is the number of rows in ranges. Where they have not been counted the bytes of the input stand for them.
func rowsOf(parts []plan.Split) (rows int64) {
	for _, part := range parts {
		if n, known := part.Rows(); known {
			rows += n
			continue
		}
		for _, r := range part.Ranges {
			rows += r.Bytes / bytesPerRow
		}
	}
	return rows
}

// bytesPerRow is how many bytes of input are taken for a row where rows have not been counted.
const bytesPerRow = 64

func compact(meta json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if len(meta) == 0 || json.Compact(&b, meta) != nil {
		return nil
	}
	return b.Bytes()
}

// scannedFiles passes what was found in the ranges of each file, in the order of the inputs. If that fails, the files end
// and failed holds the reason.
func (d *driver) scannedFiles(p *plan.Stage) (files iter.Seq[[]Scanned], failed *error) {
	failed = new(error)
	return func(yield func([]Scanned) bool) {
		var file []Scanned
		for s, err := range d.scanned(p) {
			if err != nil {
				*failed = err
				return
			}
			if s.Range.Lo == 0 && len(file) > 0 {
				if !yield(file) {
					return
				}
				file = nil
			}
			file = append(file, s)
		}
		if len(file) > 0 {
			yield(file)
		}
	}, failed
}

// scanned passes all ranges that the committed scan tasks have scanned, in order.
func (d *driver) scanned(p *plan.Stage) iter.Seq2[Scanned, error] {
	return func(yield func(Scanned, error) bool) {
		next := 0
		for rec, err := range d.dir.Records(p.Stage) {
			n := rec.Task.Index
			if err == nil && (n != next || n >= len(p.Scans) || len(rec.Scanned) != len(p.Scans[n].Ranges)) {
				err = fmt.Errorf("%s is not what the plan says", rec.Task)
			}
			if err != nil {
				yield(Scanned{}, err)
				return
			}
			for i, rg := range p.Scans[n].Ranges {
				rg.Sum, rg.ModTime = rec.Scanned[i].Sum, rec.Scanned[i].ModTime
				if !yield(Scanned{rg, rec.Scanned[i].Value}, nil) {
					return
				}
			}
			next++
		}
	}
}

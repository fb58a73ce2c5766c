package mapreduce

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/shardmill/shardmill/mapreduce/internal/plan"
	"github.com/shardmill/shardmill/mapreduce/internal/task"
)

// plan reads a stage's plan, or makes and writes it when the stage starts for the first time.
func (d *driver) plan(ctx context.Context, i int) (*plan.Stage, error) {
	p, err := d.currentPlan(i)
	if err != nil {
		return nil, err
	}
	if p == nil {
		if p, err = d.newPlan(ctx, i); err != nil {
			return nil, err
		}
	}
	d.plans[i] = p
	return p, nil
}

func (d *driver) newPlan(ctx context.Context, i int) (p *plan.Stage, err error) {
	s := &d.stages[i]
	if i == 0 {
		p, err = d.planInput(ctx, s)
	} else {
		p, err = d.planFrom(s)
	}
	if err != nil {
		return nil, err
	}
	for _, ds := range s.datasets {
		if ds.side() {
			p.Sides = append(p.Sides, ds.portName())
		}
	}
	if err := d.dir.WritePlan(s.folder, p); err != nil {
		return nil, err
	}
	d.cfg.Hook("planned:" + s.folder)
	return p, nil
}

// planFrom plans a stage from what the stages before it have committed.
func (d *driver) planFrom(s *Stage) (p *plan.Stage, err error) {
	if s.readsInput() {
		p, err = d.planRanges(s)
	} else {
		p, err = d.planMap(s)
	}
	if err != nil {
		return nil, err
	}
	p.Reads, err = d.reads(s)
	return p, err
}

// reads digests what a stage reads besides its input.
func (d *driver) reads(s *Stage) (reads []plan.Read, err error) {
	for _, port := range s.Reads {
		owner, _ := d.owner(port.portName()) // link has seen to it that there is one
		sum, err := d.readSum(owner, port.portName())
		if err != nil {
			return nil, err
		}
		reads = append(reads, plan.Read{Dataset: port.portName(), CRC32C: sum})
	}
	return reads, nil
}

// readSum digests the committed files of a dataset of a stage.
func (d *driver) readSum(stage int, dataset string) (uint32, error) {
	var sums []uint32
	for f, err := range d.files(stage, dataset) {
		if err != nil {
			return 0, err
		}
		sums = append(sums, f.out.CRC32C)
	}
	return task.Inputs(sums), nil
}

// currentPlan reads a stage's plan. One that names other files than are committed now goes, with the stage and all
// after it: an earlier task has run again with other rejects, for reasons of time or memory.
func (d *driver) currentPlan(i int) (*plan.Stage, error) {
	s := &d.stages[i]
	p, err := d.readPlan(s.folder)
	if err != nil || p == nil {
		return nil, err
	}
	if i == 0 {
		return p, d.checkListing(p)
	}
	if _, done, err := d.dir.ReadDone(s.folder); err != nil || done {
		return p, err
	}
	now, err := d.planFrom(s)
	if err != nil || p.SameInputs(now) {
		return p, err
	}
	d.note("%s starts again: its inputs have been made again, and are others now", s.folder)
	return nil, d.dropFrom(i)
}

// checkListing compares the listing with the digest in the plan, as long as a split may read it.
func (d *driver) checkListing(p *plan.Stage) error {
	if _, done, err := d.dir.ReadDone(p.Stage); err != nil || done || p.Listing.Entries == 0 {
		return err
	}
	same, err := d.sameListing(p)
	if err == nil && !same {
		err = fmt.Errorf("%s is damaged, and what it listed may have changed: give another --out", d.dir.Path("stages", p.Stage, "listing"))
	}
	return err
}

// sameListing tells whether the listing has the digest that the plan gives.
func (d *driver) sameListing(p *plan.Stage) (bool, error) {
	f, err := d.dir.OpenListing(p.Stage)
	if err != nil {
		return false, err
	}
	h := sha256.New()
	_, err = io.Copy(h, f)
	err = errors.Join(err, f.Close())
	return hex.EncodeToString(h.Sum(nil)) == p.Listing.SHA256, err
}

// planInput lists the inputs and packs them into the tasks of the first stage.
func (d *driver) planInput(ctx context.Context, s *Stage) (*plan.Stage, error) {
	var l *Lister
	var listing *plan.Listing
	var bad error // of the inputs, which needs no word of the file being written
	err := d.dir.WriteListing(s.folder, func(w io.Writer) error {
		l = newLister(d.inputs, d.dir.Path(), w)
		l.scans, l.target, l.stdin = s.kind == task.Scan, targetBytes(s.src), d.cfg.Stdin
		if bad = s.src.list(ctx, l); bad != nil {
			return bad
		}
		var err error
		listing, err = l.finish()
		return err
	})
	if bad != nil {
		return nil, bad
	}
	if err != nil {
		return nil, err
	}
	if listing.Passed > 0 {
		d.note("%s", passedOver(listing.Passed))
	}
	p := &plan.Stage{Version: plan.Version, Stage: s.folder, Listing: listing, Meta: l.meta}
	if l.scans {
		p.Scans = plan.Group(l.ranges, l.target, 0)
		return p, nil
	}
	p.Splits, p.Limit = plan.Group(l.ranges, l.target, d.cfg.Limit), d.cfg.Limit
	// Streams of the split are sized by the bytes of the input, which stand for its rows.
	var bytes int64
	for _, r := range l.ranges {
		bytes += r.Bytes + 100*(r.Hi-r.Lo)
	}
	d.addStreams(p, s, bytes/bytesPerRow)
	return p, nil
}

// passedOver tells how many files in the folders given are no input.
func passedOver(n int64) string {
	if n == 1 {
		return "1 file of another kind, or link to a folder, was passed over in the folders given"
	}
	return fmt.Sprintf("%d files of other kinds, or links to folders, were passed over in the folders given", n)
}

// defaultShardBytes is the target size of a shard, in bytes of input.
const defaultShardBytes = 64 << 20

func targetBytes(src sourcePort) int64 { return cmp.Or(src.target().Bytes, defaultShardBytes) }

// planMap makes a map task of each committed file of the stage's input.
func (d *driver) planMap(s *Stage) (*plan.Stage, error) {
	k, ok := d.owner(s.input)
	if !ok {
		return nil, fmt.Errorf("stage %s: no stage writes its input %s", s.Name, s.input)
	}
	from := d.stages[k].folder
	kinds := d.stages[k].writers(s.input)
	p := &plan.Stage{Version: plan.Version, Stage: s.folder}
	for rec, err := range d.dir.Records(from, kinds...) {
		if err != nil {
			return nil, err
		}
		for _, o := range rec.Outputs {
			if o.Kind == task.DataFile && o.Dataset == s.input {
				p.Maps = append(p.Maps, plan.Map{
					Stage: from, Task: rec.Task, Dataset: o.Dataset, Seq: o.Seq, Rows: o.Rows, Bytes: o.Bytes, CRC32C: o.CRC32C,
				})
			}
		}
	}
	rows, _ := p.Rows()
	d.addStreams(p, s, rows)
	return p, nil
}

func (d *driver) addStreams(p *plan.Stage, s *Stage, rows int64) {
	for _, st := range s.streams {
		n := 0
		if like := st.partitionsOf(); like != nil {
			n = d.partitionsOf(like)
		}
		p.Streams = append(p.Streams, plan.Stream{
			Name: st.portName(), Partitions: plan.Partitions(rows, st.bytesPerRow(), cmp.Or(n, st.partitions(), d.cfg.Partitions)),
		})
	}
}

// partitionsOf is the number of partitions of a stream of an earlier stage: link has seen to it that there is one.
func (d *driver) partitionsOf(stream Port) int {
	for i := range d.stages {
		n := slices.IndexFunc(d.stages[i].streams, func(st streamPort) bool { return Port(st) == stream })
		if n >= 0 && d.plans[i] != nil {
			return d.plans[i].Streams[n].Partitions
		}
	}
	return 0
}

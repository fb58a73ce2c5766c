package mapreduce

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"
)

// StdinName is what the input is called that stands for standard input, where Config.Stdin is set.
const StdinName = "-"

var (
	errNoStdin    = errors.New("the list on standard input was not read to its end: repeat the whole command, with the list")
	errTwiceStdin = errors.New("standard input is given twice, and can be read once only")
)

// IsStdin tells whether the input is standard input, which List reads with Lister.Stdin.
func (in InputFile) IsStdin() bool { return in.Path == StdinName }

// Stdin passes standard input to read. What is made of it goes to the listing: it is read once, when the job is planned,
// and never when the job is continued. Its digest is kept in the plan.
func (l *Lister) Stdin(ctx context.Context, read func(r io.Reader) error) error {
	switch {
	case l.stdin == nil:
		return BadInput(errNoStdin)
	case l.stdinSum != "":
		return BadInput(errTwiceStdin)
	}
	err := digestStdin(ctx, l.stdin, read, func(sum string, _ int64) { l.stdinSum = sum })
	return errors.Join(err, checkCanceled(ctx))
}

// digestStdin passes r to read, then reads it to its end, and tells the digest and size of it. When the
// context ends it does not wait for a writer.
func digestStdin(ctx context.Context, r io.Reader, read func(r io.Reader) error, tell func(sum string, size int64)) error {
	in, out := io.Pipe()
	stop := context.AfterFunc(ctx, func() { _ = in.CloseWithError(ctx.Err()) })
	defer stop()
	go func() {
		_, err := io.Copy(out, r)
		_ = out.CloseWithError(err) // never fails
	}()
	h := sha256.New()
	n := &countingReader{r: io.TeeReader(in, h)}
	err := read(n)
	if err == nil {
		_, err = io.Copy(io.Discard, n)
	}
	if err = errors.Join(err, in.Close()); err == nil {
		tell(hex.EncodeToString(h.Sum(nil)), n.bytes)
	}
	return err
}

type countingReader struct {
	r     io.Reader
	bytes int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.bytes += int64(n)
	return n, err
}

// compareStdin refuses a list on standard input that is another than the one that was read. Nothing at
// all is no list: so a command can be repeated without it.
func (d *driver) compareStdin(ctx context.Context) error {
	if d.cfg.Stdin == nil || !slices.ContainsFunc(d.inputs, InputFile.IsStdin) {
		return nil
	}
	p, err := d.readPlan(d.stages[0].folder)
	if err != nil || p == nil || p.Listing == nil {
		return damaged(err) // then it is read again
	}
	same := true
	err = digestStdin(ctx, d.cfg.Stdin, func(io.Reader) error { return nil }, func(sum string, size int64) {
		same = size == 0 || sum == p.Listing.Stdin
	})
	if err == nil && !same {
		err = &IdentityError{Dir: d.cfg.Dir, Differences: []string{"the list on standard input is another one than the one that was read there"}}
	}
	return err
}

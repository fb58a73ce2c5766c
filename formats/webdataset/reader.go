package webdataset

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/shardmill/shardmill/formats"
)

const (
	block     = 512
	maxClass  = 64 << 10
	maxObject = 16 << 20
)

// Sample is one sample of an archive.
type Sample struct {
	Key        string
	Image      Member
	Class      string // text of the cls, without white space around it
	HasClass   bool
	Attributes []Attribute // of the json, in its order
}

// SampleError reports a sample that cannot be used; the next Read goes on behind it.
type SampleError struct {
	Key string // valid UTF-8
	Err error
}

// Error says what is wrong with the sample.
func (e *SampleError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *SampleError) Unwrap() error { return e.Err }

// DamageError reports an archive of which the rest cannot be read. It wraps formats.ErrDamaged, or the error of the
// underlying reader.
type DamageError struct {
	Key    string // of the sample that may lack members, "" for none
	Offset int64  // from where on nothing was read
	Size   int64  // of the archive
	Err    error
}

// Error says from which byte on the archive is not read, and why.
func (e *DamageError) Error() string {
	what := "nothing"
	if e.Key != "" {
		what = fmt.Sprintf("neither the sample %q nor anything", e.Key)
	}
	return fmt.Sprintf("%s from byte %d of %d on is read: %v", what, e.Offset, e.Size, e.Err)
}

// Unwrap returns the cause.
func (e *DamageError) Unwrap() error { return e.Err }

// Reader reads the samples of an archive in their order. It is not safe for concurrent use.
type Reader struct {
	f       io.ReadSeeker
	size    int64
	tar     *tar.Reader
	ahead   *member // its header is read, and it is in no sample yet
	at      int64   // where the next header begins, -1 where that is not known
	read    int64   // up to here all is known
	ended   bool    // the end of the archive was found, whatever is behind it
	ignored int64
	sample  group
	err     error // sticky
}

// NewReader returns a Reader of an archive of size bytes, from its first byte on.
func NewReader(f io.ReadSeeker, size int64) *Reader {
	return &Reader{f: f, size: size, tar: tar.NewReader(f)}
}

// Ignored is the number of samples so far that had neither an image nor a label nor attributes.
func (r *Reader) Ignored() int64 { return r.ignored }

// Read sets s to the next sample. At the end the error is io.EOF. A *SampleError is about one sample only. After a
// *DamageError there is nothing more.
func (r *Reader) Read(s *Sample) error {
	for {
		err := r.gather()
		if err != nil {
			return err
		}
		if r.sample.empty() {
			r.ignored++
			continue
		}
		return r.sample.finish(s)
	}
}

// gather reads the members of the next sample.
func (r *Reader) gather() error {
	g := &r.sample
	*g = group{}
	for r.err == nil {
		if r.ahead == nil {
			if r.err = r.next(); r.err != nil {
				break
			}
		}
		if g.members > 0 && r.ahead.key != g.key {
			return nil
		}
		if err := r.take(); err != nil {
			r.err = r.damage(r.ahead.Offset, err)
			break
		}
		r.ahead = nil
	}
	var damage *DamageError
	damaged := errors.As(r.err, &damage)
	if damaged && r.ahead != nil {
		damage.Key = clean(r.ahead.key)
	}
	if g.members > 0 {
		if !damaged || r.ended || r.ahead != nil && r.ahead.key != g.key {
			return nil // the sample is whole
		}
		damage.Key = clean(g.key)
	}
	return r.err
}

// next reads headers up to one of a sample's member.
func (r *Reader) next() error {
	for {
		h, err := r.tar.Next()
		if errors.Is(err, io.EOF) {
			return r.end()
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) { // nothing is unpacked
			return r.damage(r.read, asDamage(err))
		}
		data, err := r.f.Seek(0, io.SeekCurrent)
		if err != nil {
			return r.damage(r.read, err)
		}
		m, ok := memberOf(h)
		m.Offset = data
		if err := r.place(h, m); err != nil {
			r.ahead = &m
			return err
		}
		if ok {
			r.ahead = &m
			return nil
		}
	}
}

// place notes where a member ends.
func (r *Reader) place(h *tar.Header, m member) error {
	start := r.read
	r.read = m.Offset
	if isSparse(h) {
		r.at = -1
		return nil
	}
	size := int64(0)
	if h.Typeflag == tar.TypeReg || h.Typeflag == tar.TypeCont {
		size = h.Size
	}
	if size > r.size-m.Offset {
		return r.damage(start, fmt.Errorf("%w: it is cut short: %q has %d bytes, and %d are left", formats.ErrDamaged, clean(m.Name), size, max(0, r.size-m.Offset)))
	}
	r.at = m.Offset + (size+block-1)/block*block
	r.read = r.at
	return nil
}

// end looks at what comes behind the last member.
func (r *Reader) end() error {
	pos, err := r.f.Seek(0, io.SeekCurrent)
	if err != nil {
		return r.damage(r.read, err)
	}
	if r.at >= 0 && pos-r.at < 2*block {
		return r.damage(min(r.at, r.size), fmt.Errorf("%w: it ends without the two blocks of zeros of a whole archive: cut short?", formats.ErrDamaged))
	}
	r.ended = true
	buf := make([]byte, 64<<10)
	for {
		n, err := r.f.Read(buf)
		if len(bytes.Trim(buf[:n], "\x00")) > 0 {
			return r.damage(pos, fmt.Errorf("%w: there is more behind its end: are these two archives in one file?", formats.ErrDamaged))
		}
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		if err != nil {
			return r.damage(pos, err)
		}
		pos += int64(n)
	}
}

// take adds the member ahead to the sample.
func (r *Reader) take() error {
	m, g := r.ahead, &r.sample
	g.key = m.key
	g.members++
	if m.role == other {
		return nil
	}
	if m.bad != "" {
		g.fail(fmt.Errorf("%s: %s", clean(m.Name), m.bad))
		g.used = true
		return nil
	}
	switch m.role {
	case class:
		return r.text(&g.class, maxClass)
	case object:
		return r.text(&g.object, maxObject)
	case image:
		g.exact.add(m.Member)
	case dotted:
		g.dotted.add(m.Member)
	}
	return nil
}

// text reads the member ahead. What is wrong with it is the sample's error.
func (r *Reader) text(dst *[]byte, most int64) error {
	m, g := r.ahead, &r.sample
	g.used = true
	switch {
	case *dst != nil:
		g.fail(fmt.Errorf("%s comes twice", m.Name))
		return nil
	case m.Size > most:
		g.fail(fmt.Errorf("%s has %d bytes, more than %d", m.Name, m.Size, most))
		return nil
	}
	b := make([]byte, m.Size)
	if _, err := io.ReadFull(r.tar, b); err != nil {
		return asDamage(err)
	}
	*dst = b
	return nil
}

func (r *Reader) damage(at int64, err error) error {
	return &DamageError{Offset: at, Size: r.size, Err: err}
}

// asDamage marks what archive/tar finds in the bytes, which is all but the errors of files.
func asDamage(err error) error {
	var file *fs.PathError
	if errors.As(err, &file) {
		return err
	}
	return fmt.Errorf("%w: %w", formats.ErrDamaged, err)
}

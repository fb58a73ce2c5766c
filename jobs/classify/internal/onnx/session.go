package onnx

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	ort "github.com/yalue/onnxruntime_go"
)

// Options of [Open]. The zero value asks for the defaults.
type Options struct {
	Threads int     // intra-op threads; 0 means 1
	Batch   int     // slots of the batch; 0 means 8; rounded up to a multiple of a fixed batch
	Output  string  // which output holds the scores; "" means the first
	Row     []int64 // shape of one image in the model's layout; needed only where the model leaves it open, checked otherwise
	Classes int     // scores of a row, where the model leaves their number open
	Device  Device  // what runs the model; the zero value is the CPU

	Outputs  []string // different outputs besides the scores, for [Session.Vector]; float32 or float16, of any shape
	NoScores bool     // no output holds scores: Outputs are all, and Classes is 0

	// Check looks at the input of a model that has only one, before anything else is made of it. nil for no check.
	// Its error is that of Open.
	Check func(input Tensor) error
}

func (o Options) defaulted() (Options, error) {
	if o.Threads == 0 {
		o.Threads = 1
	}
	if o.Batch == 0 {
		o.Batch = 8
	}
	if o.Threads < 0 || o.Batch < 0 || o.Batch > 1<<16 || o.Classes < 0 {
		return o, fmt.Errorf("threads %d, batch %d, classes %d: out of range", o.Threads, o.Batch, o.Classes)
	}
	return o, nil
}

// Session is a loaded model with the memory of one batch. It is used by one
// goroutine at a time.
type Session struct {
	path    string
	layout  layout
	ort     *ort.DynamicAdvancedSession
	in, out memory
	views   []view // dynamic batch: views[n-1] has n rows; fixed: views[k] is the k-th piece
	closed  bool
}

// view is a run of slots as the tensors that the library sees.
type view struct{ in, out []ort.Value }

// Open loads the model file for batches of images. The model must have one input
// with four dimensions and a scores output; the error says what is wrong otherwise.
func Open(rt Runtime, path string, o Options) (*Session, error) {
	o, err := o.defaulted()
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	if err := readable(path); err != nil {
		return nil, err
	}
	if err := o.Device.Check(rt); err != nil {
		return nil, err
	}
	if err := library.acquire(rt); err != nil {
		return nil, err
	}
	s := &Session{path: path}
	if err := s.load(o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// load fills a session whose library is there. What it made before an error is
// for Close to free.
func (s *Session) load(o Options) error {
	m, err := inspect(s.path)
	if err != nil {
		return err
	}
	if o.Check != nil && len(m.Inputs) == 1 {
		if err := o.Check(m.Inputs[0]); err != nil {
			return err
		}
	}
	if s.layout, err = newLayout(m, o); err != nil {
		return fmt.Errorf("model %s: %w", s.path, err)
	}
	if err := s.create(o); err != nil {
		return err
	}
	l := &s.layout
	if s.in, err = newMemory(l.batch * l.inRow * l.input.Type.size()); err != nil {
		return fmt.Errorf("model %s: %w", s.path, err)
	}
	if err = s.allocate(); err != nil {
		return fmt.Errorf("model %s: %w", s.path, err)
	}
	s.views = make([]view, l.batch/max(l.fixed, 1))
	return nil
}

func (s *Session) create(o Options) (err error) {
	opts, err := sessionOptions(o.Threads, ort.GraphOptimizationLevelEnableAll)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opts.Destroy()) }()
	if err := o.Device.use(opts); err != nil {
		return err
	}
	s.ort, err = ort.NewDynamicAdvancedSession(s.path, []string{s.layout.input.Name}, s.layout.outputNames(), opts)
	if err != nil {
		return o.Device.refused(s.path, err)
	}
	return nil
}

// sessionOptions returns the settings of the package comment.
func sessionOptions(threads int, level ort.GraphOptimizationLevel) (*ort.SessionOptions, error) {
	o, err := ort.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("ONNX Runtime options: %w", root(err))
	}
	spinning := error(nil)
	if threads > 1 {
		spinning = o.AddSessionConfigEntry("session.intra_op.allow_spinning", "0")
	}
	err = errors.Join(
		spinning,
		o.SetIntraOpNumThreads(threads),
		o.SetInterOpNumThreads(1),
		o.SetGraphOptimizationLevel(level),
		o.SetCpuMemArena(true),
		o.SetLogSeverityLevel(ort.LoggingLevelFatal), // errors are returned, not printed as well
	)
	if err != nil {
		return nil, fmt.Errorf("ONNX Runtime options: %w", errors.Join(err, o.Destroy()))
	}
	return o, nil
}

// Batch returns the number of slots.
func (s *Session) Batch() int { return s.layout.batch }

// Fixed returns the batch that the model demands, 0 for any.
func (s *Session) Fixed() int { return s.layout.fixed }

// Classes returns the number of scores of a row.
func (s *Session) Classes() int { return s.layout.outRow }

// Input returns the image input as the model declares it.
func (s *Session) Input() Tensor { return s.layout.input }

// Output returns the scores output as the model declares it.
func (s *Session) Output() Tensor { return s.layout.output }

// Row returns the shape of one image, in the model's order of dimensions.
func (s *Session) Row() []int64 { return s.layout.inDims }

// Float32 returns the input slots of a float32 model, nil for another. The
// memory is valid until Close.
func (s *Session) Float32() []float32 {
	if s.layout.input.Type != Float32 {
		return nil
	}
	return s.in.float32s()
}

// Float16 returns the input slots of a float16 model as the bits of the numbers,
// nil for another. The memory is valid until Close.
func (s *Session) Float16() []uint16 {
	if s.layout.input.Type != Float16 {
		return nil
	}
	return s.in.uint16s()
}

// Uint8 returns the input slots of a uint8 model, nil for another. The memory is
// valid until Close.
func (s *Session) Uint8() []uint8 {
	if s.layout.input.Type != Uint8 {
		return nil
	}
	return s.in.bytes
}

// Run classifies the first n slots. It stops between the pieces of a fixed batch
// when ctx ends; a call of the library itself is not interrupted.
func (s *Session) Run(ctx context.Context, n int) error {
	if s.closed {
		return fmt.Errorf("model %s: the session is closed", s.path)
	}
	if n < 0 || n > s.layout.batch {
		return fmt.Errorf("model %s: a run of %d rows in a batch of %d", s.path, n, s.layout.batch)
	}
	rows := n
	if s.layout.fixed > 0 {
		rows = s.layout.fixed
		s.clearRest(n)
	}
	for first := 0; first < n; first += rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.runRows(first, rows); err != nil {
			return err
		}
	}
	return nil
}

// clearRest empties the slots from n to the end of their piece of a fixed batch:
// what an earlier batch left there must not reach this one's results.
func (s *Session) clearRest(n int) {
	row := s.layout.inRow * s.layout.input.Type.size()
	end := (n + s.layout.fixed - 1) / s.layout.fixed * s.layout.fixed
	clear(s.in.bytes[n*row : end*row])
}

func (s *Session) runRows(first, rows int) error {
	v, err := s.view(first, rows)
	if err != nil {
		return fmt.Errorf("model %s: %w", s.path, err)
	}
	err = s.ort.Run(v.in, v.out)
	runtime.KeepAlive(s) // its tensors, until the library is done with them
	if err != nil {
		return fmt.Errorf("model %s: run of %d rows: %w", s.path, rows, root(err))
	}
	return nil
}

// view returns the tensors over the slots from first on, made at their first use.
func (s *Session) view(first, rows int) (*view, error) {
	i := rows - 1
	if s.layout.fixed > 0 {
		i = first / rows
	}
	v := &s.views[i]
	if v.in != nil {
		return v, nil
	}
	l := &s.layout
	in, err := tensorOver(s.in, l.input.Type, l.inDims, l.inRow, first, rows)
	if err != nil {
		return nil, err
	}
	out, err := s.outputsOver(first, rows)
	if err != nil {
		return nil, errors.Join(err, in.Destroy())
	}
	v.in, v.out = []ort.Value{in}, out
	return v, nil
}

// tensorOver makes a tensor of rows over the memory m.
func tensorOver(m memory, e Element, dims []int64, row, first, rows int) (ort.Value, error) {
	shape := append(ort.Shape{int64(rows)}, dims...)
	size := row * e.size()
	return ort.NewCustomDataTensor(shape, m.bytes[first*size:(first+rows)*size], e.code())
}

// Scores copies the scores of row i of the last Run to dst, which has Classes
// elements. Float16 is widened exactly; uint8 is the raw number, 0 to 255.
func (s *Session) Scores(i int, dst []float32) {
	from, to := i*s.layout.outRow, (i+1)*s.layout.outRow
	switch s.layout.output.Type {
	case Float32:
		copy(dst, s.out.float32s()[from:to])
	case Float16:
		for j, h := range s.out.uint16s()[from:to] {
			dst[j] = widen(h)
		}
	case Uint8:
		for j, b := range s.out.bytes[from:to] {
			dst[j] = float32(b)
		}
	}
}

// Close frees the model and the memory of the slots. Closing twice is allowed.
func (s *Session) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	for _, v := range s.views {
		for _, t := range append(v.in, v.out...) {
			errs = append(errs, t.Destroy())
		}
	}
	if s.ort != nil {
		errs = append(errs, s.ort.Destroy())
	}
	s.in.free()
	s.out.free()
	s.freeVectors()
	return errors.Join(append(errs, library.release())...)
}

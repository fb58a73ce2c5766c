package neighbours

import (
	"fmt"
	"math"
)

// weights is what is added up for an item and a user.
type weights struct {
	counted bool    // 1: counts are enough
	valued  bool    // values count
	users   Matrix  // with values that entry has gone over, where it is not nil
	narrow  *narrow // users, where values do not count and it fits

	perUser []float64                             // a factor for each user; nil is 1
	entry   func(item int, value float64) float64 // what a value becomes; nil is itself
}

func (w *weights) factor(u uint32) float64 {
	if w.perUser == nil {
		return 1
	}
	return w.perUser[u]
}

// value is the weight of entry q of an item's row.
func (w *weights) value(item int, values []float32, q int) float64 {
	v := 1.0
	if values != nil {
		v = float64(values[q])
	}
	if w.entry == nil {
		return v
	}
	return float64(float32(w.entry(item, v)))
}

// totals are counts and sums of the rows of a matrix.
type totals struct {
	count, sum []float64
	valued     bool // some row has values
}

func total(m Matrix) totals {
	t := totals{count: make([]float64, m.Rows()), sum: make([]float64, m.Rows())}
	for i := range m.Rows() {
		columns, values := m.Row(i)
		t.count[i], t.sum[i] = float64(len(columns)), float64(len(columns))
		if values == nil {
			continue
		}
		t.valued = true
		t.sum[i] = 0
		for _, v := range values {
			t.sum[i] += float64(v)
		}
	}
	return t
}

// prepare computes what the rows of a method need.
func (k *Kernel) prepare() error {
	items, users := total(k.items), total(k.users)
	valued := k.method.usesValues() && (items.valued || users.valued)
	if valued {
		if err := k.checkValues(); err != nil {
			return err
		}
	}
	k.measure = measure{
		algorithm: k.method.Algorithm, shrink: k.method.Shrink,
		users: float64(k.users.Rows()), count: items.count,
	}
	k.weights = weights{valued: valued, users: k.users}
	switch k.method.Algorithm {
	case Cosine:
		k.prepareCosine()
	case TFIDF:
		k.prepareTFIDF(users)
	case BM25:
		k.prepareBM25(items, users)
	case RP3beta:
		k.prepareRP3beta(items, users)
	case LLR:
		k.prepareLLR(items)
	default:
		k.weights.counted = true
	}
	if !valued {
		k.weights.narrow = newNarrow(k.users)
	}
	return k.transform()
}

func (k *Kernel) checkValues() error {
	for u := range k.users.Rows() {
		columns, values := k.users.Row(u)
		for q, v := range values {
			switch {
			case math.IsInf(float64(v), 0) || v != v:
				return fmt.Errorf("value %v of user %d and item %d", v, u, columns[q])
			case v <= 0 && k.method.Algorithm != Cosine:
				return fmt.Errorf("value %v of user %d and item %d: it must be above 0", v, u, columns[q])
			}
		}
	}
	return nil
}

func (k *Kernel) prepareCosine() {
	k.weights.counted = !k.weights.valued
	k.measure.exact = !k.weights.valued && k.method.Shrink == 0
	k.measure.left = k.norms()
	k.measure.right = k.measure.left
}

func (k *Kernel) prepareTFIDF(users totals) {
	k.weights.perUser = squaredIDF(users, k.items.Rows())
	if k.weights.valued {
		k.weights.entry = func(_ int, v float64) float64 { return math.Sqrt(v) }
	}
	k.measure.left = k.norms()
	k.measure.right = k.measure.left
}

func (k *Kernel) prepareBM25(items, users totals) {
	k.weights.perUser = squaredIDF(users, k.items.Rows())
	mean := 0.0
	for _, s := range items.sum {
		mean += s
	}
	mean /= float64(len(items.sum))
	k1, b := k.method.K1, k.method.B
	entry := func(item int, v float64) float64 {
		return v * (k1 + 1) / (float64(k1*(1-b+float64(b*(items.sum[item]/mean)))) + v)
	}
	k.measure.left = make([]float64, k.items.Rows())
	for i := range k.measure.left {
		k.measure.left[i] = 1
		if !k.weights.valued {
			k.measure.left[i] = 1 / entry(i, 1)
		}
	}
	k.measure.right = k.measure.left
	if k.weights.valued {
		k.weights.entry = entry
	}
}

func (k *Kernel) prepareRP3beta(items, users totals) {
	alpha := k.method.Alpha
	if k.weights.valued && alpha != 1 {
		k.weights.entry = func(_ int, v float64) float64 { return math.Pow(v, alpha) }
	}
	k.weights.perUser = powers(users.sum, -alpha)
	k.measure.left = powers(items.sum, alpha)
	k.measure.right = powers(items.count, k.method.Beta)
}

func (k *Kernel) prepareLLR(items totals) {
	k.weights.counted = true
	k.measure.xlogx = newXlogx(k.users.Rows())
	k.measure.rest = make([]float64, len(items.count))
	for i, n := range items.count {
		k.measure.rest[i] = 1 / (n * (k.measure.users - n))
	}
}

func powers(of []float64, exponent float64) []float64 {
	result := make([]float64, len(of))
	for i, x := range of {
		result[i] = math.Pow(x, exponent)
	}
	return result
}

// squaredIDF is ln(items / (1 + n_u)) squared, for each user.
func squaredIDF(users totals, items int) []float64 {
	result := make([]float64, len(users.count))
	for u, n := range users.count {
		idf := math.Log(float64(items)) - math.Log1p(n)
		result[u] = idf * idf
	}
	return result
}

// norms is the length of each item's column of weights.
func (k *Kernel) norms() []float64 {
	result := make([]float64, k.items.Rows())
	w := &k.weights
	for i := range result {
		of, values := k.items.Row(i)
		if w.counted {
			result[i] = math.Sqrt(float64(len(of)))
			continue
		}
		squares := 0.0
		for q, u := range of {
			v := w.value(i, values, q)
			squares += float64(v * v * w.factor(u))
		}
		result[i] = math.Sqrt(squares)
	}
	return result
}

// transform replaces the values of users by what entry makes of them.
func (k *Kernel) transform() error {
	w := &k.weights
	if w.entry == nil {
		return nil
	}
	t := &reweighted{Matrix: k.users, starts: make([]int, k.users.Rows()+1)}
	for u := range k.users.Rows() {
		columns, values := k.users.Row(u)
		for q, item := range columns {
			v := float32(w.value(int(item), values, q))
			if math.IsInf(float64(v), 0) {
				return fmt.Errorf("value %v of user %d and item %d is too large", values[q], u, item)
			}
			t.values = append(t.values, v)
		}
		t.starts[u+1] = len(t.values)
	}
	w.users = t
	return nil
}

// reweighted is a Matrix with other values.
type reweighted struct {
	Matrix
	starts []int
	values []float32
}

func (r *reweighted) Row(i int) (columns []uint32, values []float32) {
	columns, _ = r.Matrix.Row(i)
	return columns, r.values[r.starts[i]:r.starts[i+1]]
}

package ease

import (
	"errors"
	"fmt"
	"math"
)

// Matrix is a sparse matrix of interactions, read by rows.
type Matrix interface {
	Rows() int
	Columns() int
	// Row returns the columns of row i, ascending, without repetition and below Columns, and their values; nil values
	// are all 1. The caller does not change them.
	Row(i int) (columns []uint32, values []float32)
}

// Limit is the most users or items, whichever are fewer.
const Limit = 15_000

// TooLargeError reports users and items with interactions that are both more than Limit.
type TooLargeError struct{ Users, Items int }

// Error names both.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%d users and %d items: ease inverts a matrix of the fewer of both, of at most %d", e.Users, e.Items, Limit)
}

// PrecisionError reports a lambda that is too small for float32.
type PrecisionError struct {
	Lambda   float64
	Residual float64 // see Inverse.Residual; 0 if there is no inverse
	Err      error   // why there is none
}

// Error says what to do.
func (e *PrecisionError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("lambda %g is too small for these interactions: %v", e.Lambda, e.Err)
	}
	return fmt.Sprintf("lambda %g is too small for these interactions: the inverse is off by %.2g, at most is %g", e.Lambda, e.Residual, maxResidual)
}

// Unwrap is why there is no inverse.
func (e *PrecisionError) Unwrap() error { return e.Err }

// Options say how a model is solved. Only Lambda changes it.
type Options struct {
	Lambda  float64 // regularisation: added to the diagonal; above 0
	Workers int     // goroutines; less than 1 is 1
	// Zeros, if it is not nil, returns the memory of the inverse: so many numbers, all 0, which can be those of a file. They take
	// most of SolveBytes, and must stay as long as the Inverse.
	Zeros func(n int) ([]float32, error)
	// Progress, if it is not nil, is told how much of the inverse is done. Several goroutines may call it at once.
	Progress func(done, all int)
}

// Check says what is wrong with Options.
func (o Options) Check() error {
	if !(o.Lambda > 0) || o.Lambda > math.MaxFloat32 {
		return fmt.Errorf("ease: lambda is %v: above 0", o.Lambda)
	}
	return nil
}

// shape is the sizes of a model.
type shape struct {
	users, items int  // all
	byUsers      bool // the inverse is of users, not of items
	active       []uint32
}

// newShape looks for users and items with interactions.
func newShape(users, items Matrix) (shape, error) {
	s := shape{users: users.Rows(), items: items.Rows()}
	if users.Columns() != s.items || items.Columns() != s.users {
		return s, fmt.Errorf("ease: users are %d x %d and items %d x %d: one is not the transpose of the other",
			users.Rows(), users.Columns(), items.Rows(), items.Columns())
	}
	if uint64(max(s.users, s.items)) > math.MaxUint32 {
		return s, errors.New("ease: more rows than an index of 32 bits counts")
	}
	ofUsers, ofItems := active(users), active(items)
	if min(len(ofUsers), len(ofItems)) > Limit {
		return s, &TooLargeError{Users: len(ofUsers), Items: len(ofItems)}
	}
	s.byUsers, s.active = false, ofItems
	if len(ofUsers) < len(ofItems) {
		s.byUsers, s.active = true, ofUsers
	}
	return s, nil
}

// active is the rows that have entries.
func active(m Matrix) (rows []uint32) {
	for i := range m.Rows() {
		if columns, _ := m.Row(i); len(columns) > 0 {
			rows = append(rows, uint32(i))
		}
	}
	return rows
}

// side is the rows that the inverse is of, with the other matrix.
func (s *shape) side(users, items Matrix) (rows, others Matrix) {
	if s.byUsers {
		return users, items
	}
	return items, users
}

// noun is what the rows of the inverse are.
func (s *shape) noun() string {
	if s.byUsers {
		return "user"
	}
	return "item"
}

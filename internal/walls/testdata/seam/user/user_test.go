package user

import (
	"testing"

	"github.com/goaltrack/goaltrack/internal/walls/testdata/seam/used"
)

func TestQuiet(t *testing.T) { used.Thing{}.Quiet() }

// Package walls has tests of how this repository is built, and nothing else:
//
//   - walls_test.go says which package may reach which;
//   - seam_test.go counts what one package uses of another;
//   - size_test.go bounds what a reader has to keep in mind.
//
// When one of them fails, its message says what to do.
package walls

// Package walls has only tests of how this repository is built:
//
//   - walls_test.go says which package may reach which, and hold_test.go that the walls hold;
//   - seam_test.go counts what one package uses of another;
//   - size_test.go bounds how much a reader must keep in mind.
//
// When one of them fails, its message says what to do.
package walls

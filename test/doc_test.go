// Package test tests goaltrack as its users see it: through the public API, on
// live servers, against a strict CDP. Most of it begins with package
// internal/world.
//
// Some files are named for a promise and not for a part of the API:
//
//   - never_test.go and its neighbours: what the middleware never does to a
//     site (the table in README.md names each)
//   - fault_process_test.go and kill_test.go: what outlives a process
//     (docs/reliability.md)
//   - golden_*_test.go: what every later version has to read (testdata/golden)
//   - docs_test.go and docs_worked_test.go: what the documentation shows
//
// Tests run in this directory: paths of the repository begin with "../".
package test

// Package guides is what the guides in docs show, compiled and tested: copy from here. It is no library.
package guides

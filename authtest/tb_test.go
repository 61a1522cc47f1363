package authtest_test

import (
	"context"
	"fmt"
	"io"
	"testing"
)

// t stands in the examples where a test function has its own. It prints what a test would report.
var t exampleT

type exampleT struct{ testing.TB }

func (exampleT) Helper()                  {}
func (exampleT) Context() context.Context { return context.Background() }
func (exampleT) Output() io.Writer        { return io.Discard }
func (exampleT) Cleanup(func())           {}

func (exampleT) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func (exampleT) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

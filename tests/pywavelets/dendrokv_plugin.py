"""A pytest plugin that puts this library under PyWavelets' own tests: pywt.dwt and its siblings become those of dendrokv_wavelets
before the tests are collected. How many calls reached the library is said at the end: a run without any would prove nothing.

scripts/test-pywavelets runs it.
"""

import collections
import functools

import dendrokv_wavelets
import pywt

REPLACED = ("dwt", "idwt", "wavedec", "waverec", "swt", "iswt", "mra", "imra", "cwt")
calls = collections.Counter()


def _counted(name):
    function = getattr(dendrokv_wavelets, name)

    @functools.wraps(getattr(pywt, name))
    def call(*args, **kwargs):
        calls[name] += 1
        return function(*args, **kwargs)

    return call


for _name in REPLACED:
    setattr(pywt, _name, _counted(_name))


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line("calls of dendrokv_wavelets: " + ", ".join(f"{n} {calls[n]}" for n in REPLACED))

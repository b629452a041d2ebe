"""The agent inside the target: fault points, one file per fault kind, and a watch over the Sentry SDK.

Standard library and ``wrapt`` only, so that it runs in any target.

For a target that is a process: ``environment.agent_environment`` gives the variables that make Python
load the agent (``bootstrap/sitecustomize.py`` → ``agent.py``) before the application's own code, and
``lease.renew`` keeps it armed.

For use within one process (the pytest plugin):

* ``injector.Injector(recorder, seed=…)``: ``arm(fault)`` gives the ``PointState`` it came to;
  ``selecting(selected, trace_id=…)`` is a context manager that makes the code inside it meet faults of
  ``select="request"`` (it sets a context variable, so it serves sync and async code);
  ``settle()`` writes what became of the exceptions so far; ``disarm()`` puts everything back as it was.
* ``injector.exceptions.ids_in(error)`` gives the fault ids found in an exception and its chain.
* ``sdk_watch.watch.SdkWatch(recorder, exceptions)``: ``install()`` and ``uninstall()``.

``recorder`` is anything with ``write(kind, **fields)``: a ``Journal``, or ``recorder.MemoryRecorder``.
"""

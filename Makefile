# Every target first sees to the virtual environment, to the browser of the tests and to the viewer's libraries; they are made
# again only when a list of packages changes.
# Another interpreter: make setup PYTHON=/path/to/python3.12

PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
BROWSER := tests/browser
VIEWER := gateway/viewer
# SDKs whose package has the same name: each judges the twin of Alipay from its own wheel.
JUDGES := alipay-sdk-python python-alipay-sdk
RUN := $(VENV)/bin/python
MAKEFLAGS += --no-print-directory

# Cached bytecode makes every later start faster.
unexport PYTHONDONTWRITEBYTECODE

# Ctrl-C while an interpreter begins waits until the program can take it; before that Python would print a traceback.
HELD := $(shell env --block-signal=INT true 2>/dev/null && echo env --block-signal=INT)
QUIETLY := import signal; signal.signal(signal.SIGINT, signal.SIG_DFL);

.DEFAULT_GOAL := help
.PHONY: help setup demo up test torture mutants bench release moved

# The stamp holds the folder it was made in: an environment that has moved, or was copied, is made anew.
MADE_IN := $(shell cat "$(STAMP)" 2>/dev/null)
ifneq ($(MADE_IN),$(CURDIR))
MOVED := moved
endif

# Chinese where the first locale that is set is, and the terminal takes UTF-8, as this file is.
ZH := $(shell case "$${LC_ALL:-$${LC_MESSAGES:-$$LANG}}" in (zh*[uU][tT][fF]*) echo yes;; esac)

ifeq ($(ZH),yes)
help:
	@echo "make demo     安装，在SQLite上启动网格，演一天的业务并展示"
	@echo "make up       启动一个沙箱并保持运行；打印地址与密钥；CELLS=编码,…：只启动这些属地单元；TWINS=off：不启动支付渠道的模拟对端"
	@echo "make test     安装，然后运行全部检查与测试"
	@echo "make torture  需要数分钟或整台机器的测试"
	@echo "make mutants  逐个植入200个错误，列出测试没有发现的；SEED=版本：由该提交的散列抽样"
	@echo "make bench    性能，与底线对照并给出比值；AGAINST=版本：与早先的版本对照"
	@echo "make release  由干净且注明日期的提交生成sdist与wheel，并证明wheel可独立运行；不上传"
	@echo "make setup    只在$(VENV)中安装环境；PYTHON=/path/to/python3.12指定解释器"
else
help:
	@echo "make demo     sets up, starts the mesh on SQLite, plays a day and shows it"
	@echo "make up       starts a sandbox and leaves it running; prints its addresses and keys; CELLS=CODE,CODE: of these cells; TWINS=off: no payment providers"
	@echo "make test     sets up, then every check and test"
	@echo "make torture  tests that take minutes, or the whole machine"
	@echo "make mutants  200 faults planted one by one, and those that no test finds; SEED=REV: drawn by that commit's hash"
	@echo "make bench    performance, beside a floor and with ratios; AGAINST=REV: beside an earlier revision"
	@echo "make release  sdist and wheel of a clean, dated commit, and the wheel shown to run by itself; nothing is uploaded"
	@echo "make setup    only the environment in $(VENV); PYTHON=/path/to/python3.12 names the interpreter"
endif

# Two at once wait for each other: the second finds the work done.
setup:
	@if command -v flock >/dev/null 2>&1; then flock "$(firstword $(MAKEFILE_LIST))" $(MAKE) -s "$(STAMP)"; else $(MAKE) -s "$(STAMP)"; fi

$(STAMP): pyproject.toml constraints.txt tools/yibao.sh $(BROWSER)/package.json $(BROWSER)/package-lock.json $(VIEWER)/package-lock.json $(MOVED)
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { \
	  echo "No '$(PYTHON)' here. yibao needs Python 3.11 to 3.14: on Debian 'apt-get install python3 python3-venv',"; \
	  echo "or name one that you have: make setup PYTHON=/path/to/python3.12"; exit 1; } >&2
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' || { \
	  echo "'$(PYTHON)' is $$("$(PYTHON)" --version 2>&1), but yibao needs Python 3.11 to 3.14."; \
	  echo "Name one that you have: make setup PYTHON=/path/to/python3.12"; exit 1; } >&2
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' has no working venv module. On Debian: apt-get install python3-venv"; exit 1; } >&2
	@echo "$(if $(ZH),正在安装$(VENV)（首次需一两分钟）,setting up $(VENV) (a minute or two the first time))"
	@{ [ -z "$(MOVED)" ] && "$(RUN)" -c '' 2>/dev/null || "$(PYTHON)" -c '$(QUIETLY) import venv; venv.main(["--clear", "$(VENV)"])'; } && \
	  "$(RUN)" -m pip install --quiet --disable-pip-version-check -e ".[dev,deploy,pacs]" -c constraints.txt 2>"$(VENV)/install.log" || { \
	  cat "$(VENV)/install.log"; \
	  echo "The packages could not be installed: is the package registry (PyPI) reachable? Then run 'make setup' again."; \
	  exit 1; } >&2
	@"$(RUN)" -m pip wheel --quiet --disable-pip-version-check --no-deps -c constraints.txt -w "$(VENV)/judges" $(JUDGES) \
	  2>"$(VENV)/judges.log" || { cat "$(VENV)/judges.log"; \
	  echo "The SDKs that judge the twins could not be fetched: is the package registry (PyPI) reachable? Then run 'make setup' again."; \
	  exit 1; } >&2
	@for place in "$(BROWSER)" "$(VIEWER)"; do \
	  PATH="$(CURDIR)/$(VENV)/bin:$$PATH" npm ci --prefix "$$place" --no-audit --no-fund >"$(VENV)/npm.log" 2>&1 || { \
	  cat "$(VENV)/npm.log"; \
	  echo "Packages of $$place could not be installed: is the package registry (npm) reachable? Then run 'make setup' again."; \
	  exit 1; } >&2; done
	@sed 's|@HELD@|$(HELD)|' tools/yibao.sh >"$(VENV)/bin/yibao" && (cd "$(VENV)/bin" && pwd -P) >"$(VENV)/bin/yibao.made-in"
	@printf '%s\n' "$(CURDIR)" >"$@"
	@echo "$(if $(ZH),$(VENV)已就绪,$(VENV) is ready)"

demo: setup
	@$(HELD) $(RUN) -m tools.demo

up: setup
	@$(HELD) $(RUN) -m tools.up $(if $(CELLS),--cells "$(CELLS)") $(if $(filter off,$(TWINS)),--no-twins)

test: setup
	@$(RUN) -m tools.check

# What takes minutes or the whole machine; -s shows the figures that the tests print.
torture: setup
	@$(RUN) -m pytest -m torture -s -q

# One fault after the other in a copy of the tree; what became of them stands in build/mutants, and a run that was stopped goes on.
mutants: setup
	@$(RUN) -m tools.mutants $(if $(SEED),--seed "$(SEED)")

bench: setup
	@$(RUN) -m tools.bench $(if $(AGAINST),--against "$(AGAINST)")

release: setup
	@$(RUN) -m tools.release

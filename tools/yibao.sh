#!/bin/sh
# The `yibao` command, as `make setup` writes it into the environment. One that was moved or copied since would find the packages
# of another folder, or none: it says so. The first words of
# exec keep Ctrl-C back until the program can take it.
here=$(dirname "$(readlink -f "$0")")
if [ "$here" = "$(cat "$here/yibao.made-in" 2>/dev/null)" ] && [ -x "$here/python" ]; then
  exec @HELD@ "$here/python" -m tools.cli.main "$@"
fi
case "${LC_ALL:-${LC_MESSAGES:-$LANG}}" in
  zh*[uU][tT][fF]*) echo "这份环境是在别的目录里安装的，或安装它的Python已不在。请在这个目录里运行：make setup" ;;
  *) echo "This environment was set up in another folder, or its Python is gone. Run in the folder of the project: make setup" ;;
esac >&2
exit 1

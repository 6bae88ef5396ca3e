"""Run by zappa in a project's interpreter (`python -I -c`): describes that interpreter and what it finds on `sys.path`, as one JSON object.

Reads only: finders of editable installs are read as syntax trees, never imported from here. Must parse under every Python 3, because a
version that is too old shall be able to say so.
"""

import json
import sys

MARKER = "\x1ezappa\x1e"
PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")
# What stands in a project's directory without being part of what it installs.
NOT_INSTALLED = {
    "bench", "benches", "benchmarks", "bin", "build", "conftest", "dist", "doc", "docs", "env", "example", "examples", "fabfile", "node_modules",
    "noxfile", "script", "scripts", "setup", "tasks", "test", "testing", "tests", "tools", "venv",
}


def real(path):
    import os

    return os.path.normcase(os.path.realpath(path))


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None


def names(directory):
    import os

    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def configuration():
    """`pyvenv.cfg` of the environment, if it is one."""
    import os

    text = read(os.path.join(sys.prefix, "pyvenv.cfg")) or ""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def base_executable(settings):
    """The interpreter behind the environment. Before 3.11, `sys._base_executable` is the environment's own outside Windows."""
    import os

    base = getattr(sys, "_base_executable", None) or sys.executable
    home = settings.get("home")
    if sys.prefix != sys.base_prefix and home and os.path.normcase(base) == os.path.normcase(sys.executable):
        wanted = (os.path.basename(sys.executable), "python%d.%d" % sys.version_info[:2], "python3", "python", "python.exe")
        base = next((path for path in (os.path.join(home, name) for name in wanted) if os.path.exists(path)), base)
    return os.path.realpath(base)


def add_user_site(settings):
    """`-I` leaves the user's own site-packages out, a plain start of the interpreter does not (unless the environment is closed)."""
    import os
    import site

    closed = sys.prefix != sys.base_prefix and settings.get("include-system-site-packages", "false").lower() != "true"
    if closed or os.environ.get("PYTHONNOUSERSITE"):
        return []
    directory = site.getusersitepackages()
    if not os.path.isdir(directory):
        return []
    site.addsitedir(directory)
    return [directory]


def standard_directories():
    import os
    import sysconfig

    library = [os.path.dirname(os.__file__)] + [sysconfig.get_path(key) for key in ("stdlib", "platstdlib")]
    library += [os.path.join(path, "lib-dynload") for path in library]
    prefixes = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix]
    library += prefixes + [os.path.join(path, name) for path in prefixes for name in ("DLLs", "Lib", "lib")]
    return {real(path) for path in library}


class Distribution:
    """One `*.dist-info` directory."""

    def __init__(self, directory):
        import os
        import re

        self.directory = directory
        found = re.search(r"^Name:[ \t]*(\S+)", read(os.path.join(directory, "METADATA")) or "", re.M)
        self.name = found.group(1) if found else os.path.basename(directory).split("-")[0]
        record = read(os.path.join(directory, "RECORD")) or ""
        self.files = set(re.findall(r'^"?([^/\\\n,"]+\.(?:pth|py))"?,', record, re.M))
        self.top_level = (read(os.path.join(directory, "top_level.txt")) or "").split()

    def editable_project(self):
        """The directory that `pip install -e` was given, from `direct_url.json` (PEP 610)."""
        import os

        try:
            origin = json.loads(read(os.path.join(self.directory, "direct_url.json")) or "{}")
            if origin.get("dir_info", {}).get("editable") is True and origin["url"].startswith("file:"):
                # Only here: the second takes longer to import than everything else in this script takes to run.
                from urllib.parse import urlsplit
                from urllib.request import url2pathname

                return url2pathname(urlsplit(origin["url"]).path)
        except (AttributeError, KeyError, ValueError):
            pass
        return None


def distributions(directories):
    import os

    return [
        Distribution(os.path.join(directory, name)) for directory in directories for name in names(directory) if name.endswith(".dist-info")
    ]


def modules_of(directory, top_level):
    """What is meant of a directory. In a `src` everything; in a project's directory only what it installs, not its tests and tools."""
    import os

    if not any(os.path.exists(os.path.join(directory, name)) for name in PROJECT_FILES):
        return None
    here = [name for name in top_level if any(os.path.exists(os.path.join(directory, name + end)) for end in ("", ".py"))]
    if here:
        return here
    found = []
    for name in names(directory):
        path = os.path.join(directory, name)
        stem, end = os.path.splitext(name)
        package = os.path.isdir(path) and not end and any(entry.endswith(".py") or entry[:1] != "." for entry in names(path))
        if stem.isidentifier() and stem not in NOT_INSTALLED and (package or (end == ".py" and os.path.isfile(path))):
            found.append(stem)
    return found


def finder_mapping(path):
    """Top-level name -> file or directory, as the finder of an editable install holds it: setuptools' `MAPPING`, `editables`' `map_module`."""
    import ast

    mapping = {}
    try:
        tree = ast.parse(read(path) or "")
    except (SyntaxError, ValueError):
        return mapping
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if any(isinstance(target, ast.Name) and target.id == "MAPPING" for target in targets):
            try:
                mapping.update(ast.literal_eval(node.value))
            except (TypeError, ValueError):
                continue
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", None) == "map_module" and len(node.args) == 2:
            if all(isinstance(value, ast.Constant) and isinstance(value.value, str) for value in node.args):
                mapping[node.args[0].value] = node.args[1].value
    return {name: path for name, path in mapping.items() if isinstance(name, str) and isinstance(path, str)}


def place(module, path):
    """The directory in which `module` is found when it is at `path`; none if the file has another name than the module."""
    import os

    if os.path.basename(path) == "__init__.py":
        path = os.path.dirname(path)
    for part in reversed(module.split(".")):
        if os.path.splitext(os.path.basename(path))[0] != part:
            return None
        path = os.path.dirname(path)
    return path


class Links:
    """Directories that the environment refers to, in the order in which they were met."""

    def __init__(self):
        self.found = []

    def add(self, directory, distribution=None, modules=None):
        import os

        if not os.path.isdir(directory):
            return  # As Python does: what a stale line names is not there.
        for link in self.found:
            if link["directory"] == os.path.realpath(directory):
                link["distribution"] = link["distribution"] or distribution
                if modules is not None and link["modules"] is not None:
                    link["modules"] += [name for name in modules if name not in link["modules"]]
                return
        self.found.append({"directory": os.path.realpath(directory), "distribution": distribution, "modules": modules})

    def add_mapping(self, mapping, distribution, renamed):
        import os

        for module, path in sorted(mapping.items()):
            if module.rpartition(".")[0] in mapping:
                continue  # Comes with its package.
            directory = place(module, path)
            if directory is not None:
                self.add(directory, distribution, [module.partition(".")[0]])
            elif os.path.exists(path) or os.path.exists(path + ".py"):
                renamed.append({"distribution": distribution, "module": module, "path": path})


def pth_lines(site_directory):
    """(file, line) for every line of the `.pth` files that `site` would act on."""
    import os

    for name in names(site_directory):
        if name.endswith(".pth") and not name.startswith("."):
            for line in (read(os.path.join(site_directory, name)) or "").lstrip("\ufeff").splitlines():
                if line.strip() and not line.startswith("#"):
                    yield name, line.rstrip()


def egg_links(site_directory):
    """(distribution, directory) for every `.egg-link` of setuptools' `develop`."""
    import os

    for name in names(site_directory):
        lines = (read(os.path.join(site_directory, name)) or "").splitlines() if name.endswith(".egg-link") else []
        if lines and lines[0].strip():
            yield name[: -len(".egg-link")], os.path.join(site_directory, lines[0].strip())


def depends_on(settings, directories):
    """Files and directories that say by their times whether all this still holds. None where more than those decide: an environment that is open to
    what the system or the user has installed, or an interpreter of which something is not where it usually is."""
    import os
    import site

    if sys.prefix == sys.base_prefix or settings.get("include-system-site-packages", "false").lower() == "true":
        return None
    decisive = [sys.executable, base_executable(settings), os.path.join(sys.prefix, "pyvenv.cfg"), os.path.dirname(os.__file__), os.__file__]
    decisive += [getattr(sys.modules[name], "__file__", None) for name in ("sitecustomize", "usercustomize") if name in sys.modules]
    for directory in directories + [path for path in site.getsitepackages() if path not in directories]:
        decisive.append(directory)
        decisive += [os.path.join(directory, name) for name in names(directory) if name.endswith((".pth", ".egg-link"))]
    return decisive if all(decisive) else None


def describe():
    import os
    import re
    import site
    import sysconfig

    settings = configuration()
    known = add_user_site(settings) + [sysconfig.get_path(key) for key in ("purelib", "platlib")]
    known += site.getsitepackages() if hasattr(site, "getsitepackages") else []
    known = {real(path) for path in known}
    standard = standard_directories()
    directories, others = [], []
    for path in sys.path:
        if not path or not os.path.isdir(path) or real(path) in standard - known:
            continue
        is_site = real(path) in known or any(name.endswith(".dist-info") for name in names(path))
        kept = directories if is_site else others
        if real(path) not in map(real, kept):
            kept.append(os.path.abspath(path))

    installed = distributions(directories)
    owners = {name: distribution for distribution in installed for name in distribution.files}
    links, renamed, eggs, origin = Links(), [], {}, {}
    for directory in directories:
        eggs.update((real(path), (name, path)) for name, path in egg_links(directory))
        for file, line in pth_lines(directory):
            origin.setdefault(real(os.path.join(directory, line)), owners.get(file))
    for path in others:
        owner = origin.get(real(path))
        name, top_level = (owner.name, owner.top_level) if owner else (None, [])
        if real(path) in eggs:
            name = eggs[real(path)][0]
            top_level = (read(os.path.join(path, name.replace("-", "_") + ".egg-info", "top_level.txt")) or "").split()
        links.add(path, name, modules_of(path, top_level))
    for name, path in eggs.values():
        top_level = (read(os.path.join(path, name.replace("-", "_") + ".egg-info", "top_level.txt")) or "").split()
        links.add(path, name, modules_of(path, top_level))
    for directory in directories:
        for file, line in pth_lines(directory):
            for module in re.findall(r"\b(__editable___\w+_finder|_editable_impl_\w+)\b", line if line.startswith("import") else "")[:1]:
                owner = owners.get(file) or owners.get(module + ".py")
                short = re.sub(r"^(__editable___|_editable_impl_)|(_\d+(_\w+)?)?_finder$", "", module)
                mapping = finder_mapping(os.path.join(directory, module + ".py"))
                links.add_mapping(mapping, owner.name if owner else short, renamed)
    for distribution in installed:
        project = distribution.editable_project()
        if not project:
            continue
        inside = [link for link in links.found if (real(link["directory"]) + os.sep).startswith(real(project) + os.sep)]
        if inside or any(link["distribution"] == distribution.name for link in links.found + renamed):
            for link in inside:
                link["distribution"] = link["distribution"] or distribution.name
            continue
        # Some other finder (scikit-build-core, meson-python): the sources are where the two customary layouts have them.
        source = os.path.join(project, "src")
        source = source if os.path.isdir(source) else project
        links.add(source, distribution.name, modules_of(source, distribution.top_level))

    return {
        "depends_on": depends_on(settings, directories) if not links.found and not renamed else None,
        "executable": sys.executable,
        "base_executable": base_executable(settings),
        "cache_tag": sys.implementation.cache_tag or "",
        "platform": sysconfig.get_platform(),
        "prefix": sys.prefix,
        "is_environment": sys.prefix != sys.base_prefix or os.path.isdir(os.path.join(sys.prefix, "conda-meta")),
        "made_for": settings.get("version_info") or settings.get("version") or "",
        "site_packages": directories,
        "linked": links.found,
        "renamed": renamed,
    }


def main():
    answer = {"version": ".".join(str(part) for part in sys.version_info[:3]), "minor": sys.version_info[1]}
    answer["implementation"] = sys.implementation.name
    if sys.version_info >= (3, 9):
        answer["details"] = describe()
    sys.stdout.write(MARKER + json.dumps(answer) + MARKER)


main()

"""Run by zappa in a project's interpreter (`python -I -S -c`): finds WSGI apps by reading syntax trees. Imports nothing of the project.

Argument: a JSON object with `root` and `paths` (directories that are on `sys.path`, the root last). Answer: one JSON object with `candidates`,
`rejected` (what looks like an app but cannot be served, and why) and `modules` (what the project has, for "did you mean").
"""

import ast
import json
import keyword
import os
import sys

MARKER = "\x1ezappa\x1e"
FLASK = {"flask.Flask", "flask.app.Flask", "apiflask.APIFlask", "flask_openapi3.OpenAPI", "flask_openapi3.openapi.OpenAPI"}
WSGI = {"bottle.Bottle", "bottle.default_app", "bottle.app", "falcon.App", "falcon.API", "falcon.app.App"}
DJANGO = {"django.core.wsgi.get_wsgi_application"}
ASGI = {"fastapi.FastAPI", "starlette.applications.Starlette", "quart.Quart", "litestar.Litestar", "sanic.Sanic", "blacksheep.Application"}
ASGI |= {"django.core.asgi.get_asgi_application"}
# A file that holds none of these words holds no app.
WORDS = (b"Flask", b"OpenAPI", b"bottle", b"falcon", b"wsgi", b"asgi", b"create_app", b"make_app", b"start_response", b"INSTALLED_APPS")
WORDS += (b"ROOT_URLCONF", b"DJANGO_SETTINGS_MODULE", b"FastAPI", b"Starlette", b"Quart", b"Litestar", b"Sanic", b"blacksheep")
SKIPPED = {"__pycache__", "node_modules", "site-packages", "build", "dist", "migrations", "htmlcov", "__pypackages__"}
LARGEST = 2_000_000
MOST = 20_000


def files(root):
    """Every `.py` file of the project, nearest first; environments, hidden directories and what tools leave behind are passed by."""
    level, count = [root], 0
    while level:
        below = []
        for directory in level:
            try:
                entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in entries:
                if entry.name.startswith(".") or entry.name in SKIPPED:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if not any(os.path.lexists(os.path.join(entry.path, name)) for name in ("pyvenv.cfg", "conda-meta")):
                        below.append(entry.path)
                elif entry.name.endswith(".py") and entry.is_file():
                    yield entry.path
                    count += 1
                    if count >= MOST:
                        return
        level = below


def module_name(path, paths):
    """The name under which `path` is imported; none where it has none, as with `my-app.py`."""
    for base in sorted(paths, key=len, reverse=True):
        relative = os.path.relpath(path, base)
        if relative.startswith(os.pardir):
            continue
        parts = relative[: -len(".py")].split(os.sep)
        if parts[-1] == "__init__":
            parts.pop()
        if parts and all(part.isidentifier() and not keyword.iskeyword(part) for part in parts):
            return ".".join(parts)
    return None


def is_main_guard(test):
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def statements(body):
    """What runs when the module is imported, in order."""
    for node in body:
        if isinstance(node, ast.If) and is_main_guard(node.test):
            yield from statements(node.orelse)
            continue
        yield node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        for field in ("body", "orelse", "finalbody"):
            yield from statements(getattr(node, field, None) or [])
        for handler in getattr(node, "handlers", None) or []:
            yield from statements(handler.body)


def within(function):
    """The function's own statements and expressions, those of nested functions not among them."""
    waiting = list(function.body)
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            waiting[:0] = list(ast.iter_child_nodes(node))


def assignments(node):
    """(name, value) for `a = value`, `a = b = value` and `a: T = value`."""
    if isinstance(node, ast.Assign):
        return [(target.id, node.value) for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        return [(node.target.id, node.value)]
    return []


def required(arguments):
    """Names of parameters that a call has to give."""
    positional = arguments.posonlyargs + arguments.args
    missing = positional[: len(positional) - len(arguments.defaults)]
    return [a.arg for a in missing] + [a.arg for a, default in zip(arguments.kwonlyargs, arguments.kw_defaults) if default is None]


def text(node):
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


class Module:
    """One parsed file."""

    def __init__(self, path, name, tree):
        self.path, self.name, self.tree = path, name, tree
        self.is_package = os.path.basename(path) == "__init__.py"
        self.names = {}
        self.bind(ast.walk(tree))
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                self.names[node.name] = f"{name}.{node.name}"

    def bind(self, nodes):
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    self.names[alias.asname or top] = alias.name if alias.asname else top
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    parts = self.name.split(".")
                    parts = parts[: len(parts) - node.level + (1 if self.is_package else 0)]
                    base = ".".join(parts + ([node.module] if node.module else []))
                for alias in node.names:
                    self.names[alias.asname or alias.name] = f"{base}.{alias.name}" if base else alias.name

    def dotted(self, node):
        """What an expression such as `flask.Flask` refers to, by its full name."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, f"{self.name}.{node.id}")
        if isinstance(node, ast.Attribute):
            base = self.dotted(node.value)
            return base and f"{base}.{node.attr}"
        return None

    def settings_default(self):
        """What the module puts into `DJANGO_SETTINGS_MODULE`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", None) in ("setdefault", "putenv") and len(node.args) == 2:
                if text(node.args[0]) == "DJANGO_SETTINGS_MODULE" and text(node.args[1]):
                    return text(node.args[1])
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                key = node.targets[0].slice
                if text(getattr(key, "value", key) if not isinstance(key, ast.Constant) else key) == "DJANGO_SETTINGS_MODULE":
                    return text(node.value)
        return None


class Scan:
    """All modules of a project, and what is known about their names."""

    def __init__(self, root, paths):
        self.root = root
        self.paths = paths
        self.modules, self.by_name, self.known = [], {}, {}
        self.candidates, self.rejected = [], []
        self.classes, self.factories = set(FLASK), {}
        self.used = set()

    def reject(self, path, line, reason):
        self.rejected.append({"file": self.relative(path), "line": line, "reason": reason})

    def relative(self, path):
        return os.path.relpath(path, self.root).replace(os.sep, "/")

    def is_test(self, path):
        parts = self.relative(path).split("/")
        return any(part in ("tests", "test", "testing") for part in parts[:-1]) or parts[-1].startswith(("test_", "conftest"))

    def add(self, kind, app, module, line):
        if any(found["kind"] == kind and found["app"] == app for found in self.candidates):
            return
        found = {"kind": kind, "app": app, "module": module.name, "file": self.relative(module.path), "line": line}
        self.candidates.append({**found, "test": self.is_test(module.path)})

    def read(self):
        for path in files(self.root):
            name = module_name(path, self.paths)
            if name:
                self.known.setdefault(name, path)
            try:
                if os.path.getsize(path) > LARGEST:
                    continue
                with open(path, "rb") as file:
                    source = file.read()
                if not any(word in source for word in WORDS):
                    continue
                tree = ast.parse(source)
            except OSError as error:
                self.reject(path, 0, f"could not be read: {error.strerror}")
                continue
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                self.reject(path, getattr(error, "lineno", None) or 0, f"could not be parsed: {getattr(error, 'msg', None) or error}")
                continue
            # A file without a module name is read all the same, in order to say what is wrong with it.
            self.modules.append(Module(path, name or os.path.basename(path), tree))

    def canonical(self, dotted):
        """Follows re-exports: `shop.create_app` -> `shop.factory.create_app`."""
        for _ in range(10):
            owner, _, name = (dotted or "").rpartition(".")
            target = self.by_name[owner].names.get(name) if owner in self.by_name else None
            if not target or target == dotted:
                break
            dotted = target
        return dotted

    def learn_classes(self):
        for _ in range(3):  # Subclasses of subclasses.
            for module in self.modules:
                for node in module.tree.body:
                    if isinstance(node, ast.ClassDef) and any(self.canonical(module.dotted(base)) in self.classes for base in node.bases):
                        self.classes.add(f"{module.name}.{node.name}")

    def callables(self, module):
        """Names of classes whose instances are WSGI apps: `__call__(self, environ, start_response)`."""
        found = set()
        for node in module.tree.body:
            for method in node.body if isinstance(node, ast.ClassDef) else []:
                if isinstance(method, ast.FunctionDef) and method.name == "__call__" and self.takes_wsgi(method.args, 3):
                    found.add(f"{module.name}.{node.name}")
        return found

    @staticmethod
    def takes_wsgi(arguments, count):
        names = [a.arg for a in arguments.posonlyargs + arguments.args]
        return len(names) == count and names[-1] == "start_response" and len(required(arguments)) == count

    def kind(self, module, value, others=()):
        """What a call makes: `flask`, `wsgi`, `django`, `asgi` or nothing that is known."""
        if not isinstance(value, ast.Call):
            return None
        name = self.canonical(module.dotted(value.func))
        if name in self.factories:
            self.used.add(name)
            return self.factories[name]
        if name in self.classes:
            return "flask"
        if name in WSGI or name in others or getattr(value.func, "attr", None) == "make_wsgi_app":
            return "wsgi"
        if name in DJANGO:
            return "django"
        if name in ASGI:
            return "asgi"
        if (name or "").rpartition(".")[2] in ("create_app", "make_app") and isinstance(value.func, (ast.Name, ast.Attribute)):
            return "wsgi"
        return None

    def factory(self, module, function):
        """`flask` or `wsgi` if the function returns an app that it makes."""
        made = {}
        for node in within(function):
            for name, value in assignments(node):
                kind = self.kind(module, value)
                if kind in ("flask", "wsgi"):
                    made[name] = kind
            if isinstance(node, ast.Return):
                kind = made.get(node.value.id) if isinstance(node.value, ast.Name) else self.kind(module, node.value)
                if kind in ("flask", "wsgi"):
                    return kind
        return None

    def find(self):
        self.read()
        self.by_name = {module.name: module for module in self.modules}
        self.learn_classes()
        functions = []
        for module in self.modules:
            for node in statements(module.tree.body):
                if isinstance(node, ast.FunctionDef):
                    kind = self.factory(module, node)
                    if kind:
                        self.factories[f"{module.name}.{node.name}"] = kind
                        functions.append((module, node, kind))
                    elif self.takes_wsgi(node.args, 2):
                        self.add_named("wsgi", module, node.name, node.lineno)
        self.used.clear()
        for module in self.modules:
            others = self.callables(module)
            for node in statements(module.tree.body):
                for name, value in assignments(node):
                    kind = self.kind(module, value, others)
                    if kind == "asgi":
                        self.reject(module.path, node.lineno, f"`{name}` is an ASGI app; this tool serves WSGI apps")
                    elif kind in ("flask", "wsgi"):
                        self.add_named(kind, module, name, node.lineno)
        for module, function, kind in functions:
            if f"{module.name}.{function.name}" in self.used:
                continue  # Some module holds the app that it makes.
            missing = required(function.args)
            if missing:
                words = ", ".join(f"`{name}`" for name in missing)
                self.reject(module.path, function.lineno, f"`{function.name}` cannot be called without {words}")
            else:
                self.add_named(kind, module, f"{function.name}()", function.lineno)
        self.find_django()
        return {"candidates": self.candidates, "rejected": self.rejected, "modules": sorted(self.known)}

    def add_named(self, kind, module, name, line):
        if module.path != self.known.get(module.name):
            self.reject(module.path, line, f"`{name.rstrip('()')}` is in a file whose name cannot be imported")
        else:
            self.add(kind, f"{module.name}:{name}", module, line)

    def find_django(self):
        """`manage.py` first, then what `wsgi.py` says, then modules that look like settings."""
        managers, servers, settings = [], [], []
        for module in self.modules:
            file = os.path.basename(module.path)
            calls = [node for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
            if file == "manage.py" and module.settings_default():
                managers.append(module)
            elif any(self.canonical(module.dotted(call.func)) in DJANGO for call in calls):
                servers.append(module)
            elif {"INSTALLED_APPS", "ROOT_URLCONF"} <= {name for node in statements(module.tree.body) for name, _ in assignments(node)}:
                settings.append(module)
        for module in managers + servers:
            name = module.settings_default()
            if name and self.importable(name):
                self.add("django", name, module, 0)
            elif name:
                where = self.django_root(module, name)
                hint = f"; run this in `{where}` (`-C {where}`)" if where else ""
                self.reject(module.path, 0, f"the settings module `{name}` that it names is not importable from here{hint}")
        nested = {os.path.dirname(module.path) for module in managers} - {self.root}
        for module in settings:
            if module.path == self.known.get(module.name) and not any(module.path.startswith(top + os.sep) for top in nested):
                self.add("django", module.name, module, 0)

    def importable(self, name):
        relative = name.replace(".", os.sep)
        ends = (".py", os.path.join("", "__init__.py"), "")
        return name in self.known or any(os.path.exists(os.path.join(base, relative) + end) for base in self.paths for end in ends)

    def django_root(self, module, name):
        """The directory from which the settings module would be importable."""
        directory = os.path.dirname(module.path)
        while directory != self.root:
            base = os.path.join(directory, name.replace(".", os.sep))
            if os.path.exists(base + ".py") or os.path.isdir(base):
                return self.relative(directory)
            directory = os.path.dirname(directory)
        return None


def main():
    request = json.loads(sys.argv[1])
    root = os.path.realpath(request["root"])
    answer = Scan(root, [os.path.realpath(path) for path in request["paths"]]).find()
    sys.stdout.write(MARKER + json.dumps(answer) + MARKER)


main()

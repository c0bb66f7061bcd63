from .document import Document as Document
from .server import serve as serve

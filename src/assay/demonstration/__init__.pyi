from .making import make_demonstration as make_demonstration
from .showing import demonstrate as demonstrate
from .terminal_figures import learning_lines as learning_lines
from .terminal_figures import matrix_lines as matrix_lines

class SceneView:
    def __init__(self, tabs, view):
        pass

    def show(self):
        pass

    def close(self):
        pass
